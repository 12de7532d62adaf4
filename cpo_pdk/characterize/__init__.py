"""The mode solver behind the tables in `models/data`: what `cpo characterize` runs. Needs the extra `characterize`."""
