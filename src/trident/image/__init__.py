"""Images: reading, streaming, checking and building COSI files."""
