"""`kubectl explain` as pure functions: from an argument and an OpenAPI document to text, JSON or field names."""
