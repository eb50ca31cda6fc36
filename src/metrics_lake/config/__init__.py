"""From `conf/` and the environment to checked settings."""
