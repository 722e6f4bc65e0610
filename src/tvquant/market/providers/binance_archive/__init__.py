"""The public bulk archive of Binance: daily and monthly files of bars and funding, of delisted symbols as well."""
