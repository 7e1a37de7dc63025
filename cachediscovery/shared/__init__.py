"""A cache in Redis or Valkey that machines share, between the disk and the API server."""
