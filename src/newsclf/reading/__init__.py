"""Files and streams to articles."""

from newsclf.reading.pairs import read_pairs as read_pairs
from newsclf.reading.read import INPUT_FORMATS as INPUT_FORMATS
from newsclf.reading.read import read_articles as read_articles
