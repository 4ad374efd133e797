"""What both ends of a link write and read alike: records, samples, bundles, states, names. Pure."""
