"""From landing files to rows of bronze: manifest, checkpoint, reader, sink."""
