"""`campaigns report`: what a campaign came to, as one page that opens anywhere, without a network."""
