import { KeepAliveError } from '../errors.js';

/** A record that cannot be decoded: it is damaged, or over a limit, or no record at all. Its code is `ERR_ZEO_RECORD`. */
export class RecordError extends KeepAliveError {
  /** How far the decoder had read, in bytes: what `python -m pickletools` shows is near there. */
  readonly offset: number;

  constructor(message: string, offset: number, cause?: unknown) {
    super('ERR_ZEO_RECORD', `${message} (at byte ${offset} of the record)`, { cause });
    this.offset = offset;
  }
}
