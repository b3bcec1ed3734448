"""Asynchronous jobs: started by `?async=true`, watched, fetched and cancelled by URL."""
