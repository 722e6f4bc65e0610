"""Where the workers of a pool are: processes of this machine, or those of a Dask or Ray cluster."""
