"""Pictures of the kinds that users send: made here, sent through the server, and judged."""
