"""One `requests.Session` and all that speaks HTTP: TLS, credentials, redirects, retries, bounds."""
