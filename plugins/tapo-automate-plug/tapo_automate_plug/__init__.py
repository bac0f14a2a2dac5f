"""Driver of Tapo plugs."""
