"""A client of S3 that does what datastores need and no more: signed requests, pages, ranges, parts."""
