"""B-trees, the two kinds that HDF5 has: what they hold comes back in the order of its keys."""
