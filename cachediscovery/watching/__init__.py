"""Keep the cache of a long-running program up to date by watching CRDs and APIServices."""
