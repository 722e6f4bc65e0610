"""History of TradingView's charts, over the websocket of its web site: unofficial, off until its user agrees."""
