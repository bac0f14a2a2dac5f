"""The account of the simulated devices; in a file of its own, so that a client imports no simulator with it."""

USERNAME = "bench@example.com"
PASSWORD = "Sw0rdfish!"  # of nobody: it opens the simulated devices only
