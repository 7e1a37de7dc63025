"""The discovery interfaces, the client that asks the server, and OpenAPI documents."""
