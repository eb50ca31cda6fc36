"""Gold into rollup JSON and documents."""
