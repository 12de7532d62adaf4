"""Work in chunks over processes or a cluster: the same bytes for any number of workers, resumed after a fall."""
