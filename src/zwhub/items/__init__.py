"""Items (政务服务事项): what the government offers, standardised and versioned in one library."""
