"""OpenAPI v3: the documents of a server, those stored on disk, and what is read from them."""
