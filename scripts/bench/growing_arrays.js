// Loaded into the Cosmos DB emulator before it starts: its queries copy a list once for each document that a container
// holds (`[...$, {c: c}]`), which makes a query over 100,000 of them last a minute and a half. Here the list grows; what a
// query answers is the same.
"use strict";
const place = require.resolve("@zeit/cosmosdb-query", { paths: [process.argv[1]] });
const query = Object.getPrototypeOf(require(place).default("SELECT * FROM c"));
const { get } = Object.getOwnPropertyDescriptor(query, "code");
Object.defineProperty(query, "code", {
  get() {
    const mended = get.call(this).replace(/\[\.\.\.\$, (\{\s*c: c\s*\})\]/, "($.push($1), $)");
    if (mended.includes("...$,")) throw new Error("a query of the emulator still copies: " + mended);
    return mended;
  },
});
