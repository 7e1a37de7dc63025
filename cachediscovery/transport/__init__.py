"""HTTP GET requests to the API server: connections, TLS, credentials, error mapping, stored responses."""
