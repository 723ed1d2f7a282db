"""The Composable OS Image: its metadata, its tar container, reading and writing."""
