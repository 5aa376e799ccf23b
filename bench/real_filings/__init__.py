"""How well filings of a folder, such as the real ones of docs/filings.md, are converted and answered from."""
