"""Everything that holds a key, or sees an address outside sources."""
