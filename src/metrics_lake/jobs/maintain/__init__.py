"""Jobs that keep a lake in order: upkeep, erasure, checkpoints, retries."""
