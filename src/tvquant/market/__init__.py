"""The outside world: providers of bars, and the workflow that keeps the lake healthy from them. Only `app` calls it."""
