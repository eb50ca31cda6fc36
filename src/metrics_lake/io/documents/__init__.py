"""Documents by container, tenant and id: SQLite or Cosmos DB."""
