export {
  CODE_LENGTH,
  type CodeOptions,
  generateCode,
  MIN_CODE_VALUES,
  MULTI_USE_CODE_LENGTH,
  normaliseCode,
} from './codes.ts'
export { InvitationError, type InvitationErrorCode } from './errors.ts'
export {
  Invitation,
  type InvitationFields,
  type InvitationRole,
  type InvitationSecrets,
  type InvitationState,
} from './invitation.ts'
export {
  encodeInvitation,
  InvitationLink,
  LINK_PREFIX,
  linkToUrl,
  MAX_LINK_TEXT,
  parseInvitation,
} from './link.ts'
export { commitment, deriveLinkKeys, guestKeyHash, type LinkKeys } from './link-keys.ts'
export type { AuthMethod, InvitationKind, InvitationType, LinkFields, LinkGuest } from './link-layout.ts'
