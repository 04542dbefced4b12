mod bench;
mod frames;
mod hostile;
mod pieces;
