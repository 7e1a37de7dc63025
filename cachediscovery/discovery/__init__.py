"""The discovery interfaces, the base client, the lazy client and OpenAPI documents."""
