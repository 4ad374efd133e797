"""Snapshots of source trees: ignore rules, scan with a stat cache, manifest, zip, diff, git facts."""
