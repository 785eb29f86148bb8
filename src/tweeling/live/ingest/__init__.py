"""From bytes and files to readings: one small file per format."""
