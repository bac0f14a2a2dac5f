"""A pretend Tapo device over real HTTP, written from docs/protocol.md by other hands than the client."""
