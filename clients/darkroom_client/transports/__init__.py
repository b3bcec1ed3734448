"""The four thin transports over tritonclient: gRPC and HTTP, blocking and on an event loop."""
