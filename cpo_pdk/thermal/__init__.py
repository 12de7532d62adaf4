"""Heat of the package: conduction in three dimensions, steady and after a load step."""
