"""What touches the world, and knows nothing about radio."""
