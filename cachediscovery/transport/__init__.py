"""One GET to the API server, whole and bounded: connections, TLS, credentials, errors, stored responses."""
