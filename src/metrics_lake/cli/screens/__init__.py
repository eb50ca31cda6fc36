"""What commands work out and put on the screen, one module for each."""
