"""The storage graph: what is made of what, as data, and as a tree, Mermaid or DOT text."""
