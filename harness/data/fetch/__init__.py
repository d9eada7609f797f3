"""Get image sets: downloaded, extracted, recognised, verified."""
