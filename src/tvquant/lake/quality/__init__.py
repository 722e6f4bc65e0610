"""Judgement of stored data: findings of single bars, the basis of prices, and the health of assets."""
