mod frames;
mod hostile;
mod pieces;
