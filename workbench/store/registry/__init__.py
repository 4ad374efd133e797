"""What has names and versions: models, environments, datasets, datastores, manifests."""
