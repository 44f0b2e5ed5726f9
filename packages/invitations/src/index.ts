export {
  type DeviceHome,
  DeviceInvitationsHandler,
  type DeviceInvitationsOptions,
} from './device-invitations-handler.ts'
export { InvitationError, type InvitationErrorCode } from './errors.ts'
export {
  type GuestRequest,
  Invitation,
  type InvitationFields,
  type InvitationRole,
  type InvitationSecrets,
  type InvitationState,
} from './invitation.ts'
export {
  CODE_WORDS,
  type CodeOptions,
  generateCode,
  MIN_CODE_VALUES,
  MULTI_USE_CODE_VALUES,
  normaliseCode,
} from './link/codes.ts'
export {
  encodeInvitation,
  InvitationLink,
  LINK_PREFIX,
  linkToUrl,
  MAX_LINK_TEXT,
  parseInvitation,
} from './link/link.ts'
export { commitment, deriveLinkKeys, guestKeyHash, type LinkKeys } from './link/link-keys.ts'
export type { AuthMethod, InvitationKind, InvitationType, LinkFields, LinkGuest } from './link/link-layout.ts'
export {
  AuthenticatingInvitationProvider,
  CancellableInvitationObservable,
  type InvitationCallbacks,
  InvitationObservable,
} from './observable.ts'
export {
  DEFAULT_LIFETIME_S,
  DEFAULT_TIMEOUT_MS,
  DEVICE_LIFETIME_S,
  type InvitationsOptions,
  MAX_LIFETIME_S,
} from './options.ts'
export { type HandlerOptions, SpaceInvitationsHandler } from './space-invitations-handler.ts'
