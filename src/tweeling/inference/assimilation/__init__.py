"""One method a file: from a surprise to what is believed."""
