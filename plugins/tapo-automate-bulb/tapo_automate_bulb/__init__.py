"""Driver of Tapo bulbs."""
