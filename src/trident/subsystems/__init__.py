"""The concerns of a host, one file or folder each. They do not know each other."""
