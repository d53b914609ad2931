// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IBondHold} from "./IBondHold.sol";

/// @title FishermanRegistry: who may vote, with which weight and which BLS key
/// @notice weight = min(bond, cap), so that one whale is no quorum. A member counts from `activeFrom` on (two windows after it registered,
/// so that nobody joins after seeing a beacon) and stops counting when it asks to leave; its bond stays slashable until it is withdrawn.
/// A member shows that it works by anchoring the head of its growing proof log; one that did not for `silentSeconds` can be taken out of the
/// denominator by anybody, so that those who left without a word cannot stop convictions.
contract FishermanRegistry {
    using SafeERC20 for IERC20;

    /// @notice What `members()` tells about one fisherman.
    struct Member {
        address member;
        /// @dev min(bond, cap), 10^-18 tokens; counts only while active.
        uint256 weight;
        bytes blsPublicKey;
        bytes proofOfPossession;
        /// @dev Unix seconds from which the weight counts.
        uint64 activeFrom;
        /// @dev true once it asked to leave; then the weight counts no longer.
        bool exiting;
    }

    struct Parameters {
        /// @dev smallest bond and largest weight, 10^-18 tokens.
        uint128 minBond;
        uint128 weightCap;
        /// @dev seconds between registration and activity.
        uint64 activationSeconds;
        /// @dev seconds between the wish to leave and the withdrawal.
        uint64 exitSeconds;
        /// @dev seconds without a grown head after which a member counts as silent.
        uint64 silentSeconds;
        /// @dev bound of the list, so that no loop over it can grow without limit.
        uint32 maxMembers;
    }

    /// @dev One slot; activity, weight and exit are read for every vote.
    struct Account {
        uint128 bond;
        uint64 activeFrom;
        /// @dev Unix seconds from which the bond can be withdrawn; 0 while it did not ask to leave.
        uint64 exitAt;
    }

    /// @notice Head of a member's proof log: an RFC 6962 tree over its first `size` entries, in the `epoch`-th life of its key.
    struct Head {
        bytes32 root;
        uint64 epoch;
        uint64 size;
        /// @dev Unix seconds of registration or of the newest head.
        uint64 seenAt;
    }

    /// @dev `activeFrom` of a silent member.
    uint64 private constant NEVER = type(uint64).max;

    IERC20 public immutable token;
    /// @notice The only address that may take from a bond.
    address public immutable verifier;
    uint128 public immutable minBond;
    uint128 public immutable weightCap;
    uint64 public immutable activationSeconds;
    uint64 public immutable exitSeconds;
    uint64 public immutable silentSeconds;
    uint32 public immutable maxMembers;

    mapping(address => Account) public accounts;
    /// @dev Stays when a member leaves: a key's history is one history.
    mapping(address => Head) private _heads;
    mapping(address => bytes) private _blsPublicKey;
    mapping(address => bytes) private _proofOfPossession;
    address[] private _list;
    /// @dev position in `_list` plus one.
    mapping(address => uint256) private _position;
    /// @dev Members in the order of registration, hence of activation; those before `_head` are in `_activeWeight`.
    address[] private _queue;
    /// @dev One slot: every count of votes reads both.
    uint64 private _head;
    uint192 private _activeWeight;

    event Registered(address indexed member, uint256 bond, uint256 weight, uint64 activeFrom, bytes blsPublicKey);
    event ExitRequested(address indexed member, uint64 exitAt);
    event Withdrawn(address indexed member, uint256 amount);
    event HeadAnchored(address indexed member, uint64 epoch, uint64 size, bytes32 root);
    /// @notice The member's weight counts again some time after its next head.
    event MemberSilent(address indexed member, uint64 seenAt);
    event Penalised(address indexed member, uint256 amount, address to);

    error InvalidParameters();
    error AlreadyRegistered(address member);
    error NotRegistered(address member);
    error BondTooSmall(uint256 bond, uint256 minimum);
    /// @notice A BLS public key has 96 bytes (G2, compressed), its proof of possession 48 (G1, compressed).
    error WrongKeyLength(uint256 publicKeyBytes, uint256 proofBytes);
    error RegistryFull(uint256 maxMembers);
    error AlreadyExiting(uint64 exitAt);
    error ExitNotOver(uint64 exitAt);
    /// @notice A log only grows; a shorter one begins a new epoch.
    error HeadNotGrown(uint64 epoch, uint64 size);
    /// @notice Not active, or it anchored a head not long enough ago.
    error NotSilent(uint64 seenAt);
    /// @notice Of a voter: its weight does not count now.
    error NotActiveMember(address signer);
    error OnlyVerifier();

    constructor(IERC20 token_, address verifier_, Parameters memory p) {
        // An entry of the queue must be due before its member can withdraw and register again.
        if (p.minBond == 0 || p.weightCap < p.minBond || p.maxMembers == 0 || p.exitSeconds <= p.activationSeconds || p.silentSeconds <= p.activationSeconds) {
            revert InvalidParameters();
        }
        token = token_;
        verifier = verifier_;
        minBond = p.minBond;
        weightCap = p.weightCap;
        activationSeconds = p.activationSeconds;
        exitSeconds = p.exitSeconds;
        silentSeconds = p.silentSeconds;
        maxMembers = p.maxMembers;
    }

    /// @notice Bonds the caller. The proof of possession must bind the caller's address; clients check it before they trust the key.
    /// @param bond 10^-18 tokens, approved before.
    function register(uint256 bond, bytes calldata blsPublicKey, bytes calldata proofOfPossession) external {
        if (_position[msg.sender] != 0) revert AlreadyRegistered(msg.sender);
        if (bond < minBond || bond > type(uint128).max) revert BondTooSmall(bond, minBond);
        if (blsPublicKey.length != 96 || proofOfPossession.length != 48) {
            revert WrongKeyLength(blsPublicKey.length, proofOfPossession.length);
        }
        if (_list.length >= maxMembers) revert RegistryFull(maxMembers);
        _activate();
        uint64 activeFrom = uint64(block.timestamp) + activationSeconds;
        accounts[msg.sender] = Account({bond: uint128(bond), activeFrom: activeFrom, exitAt: 0});
        _blsPublicKey[msg.sender] = blsPublicKey;
        _proofOfPossession[msg.sender] = proofOfPossession;
        _list.push(msg.sender);
        _position[msg.sender] = _list.length;
        _queue.push(msg.sender);
        _heads[msg.sender].seenAt = uint64(block.timestamp);
        token.safeTransferFrom(msg.sender, address(this), bond);
        emit Registered(msg.sender, bond, _weight(bond), activeFrom, blsPublicKey);
    }

    /// @notice Asks to leave: the weight counts no longer, the bond stays slashable for `exitSeconds`, and for as long as a conviction that the
    /// caller may have signed can still be overturned. Whoever asked to leave cannot sign a later one, so that end is known now, and no
    /// conviction has to write down its signers one by one.
    function requestExit() external {
        Account storage account = accounts[msg.sender];
        if (_position[msg.sender] == 0) revert NotRegistered(msg.sender);
        if (account.exitAt != 0) revert AlreadyExiting(account.exitAt);
        _activate();
        if (account.activeFrom <= block.timestamp) _activeWeight -= uint192(_weight(account.bond));
        uint64 exitAt = uint64(block.timestamp) + exitSeconds;
        uint256 needed = IBondHold(verifier).bondsNeededUntil();
        account.exitAt = needed > exitAt ? uint64(needed) : exitAt;
        emit ExitRequested(msg.sender, account.exitAt);
    }

    /// @notice Pays out the bond after the exit delay and forgets the member.
    function withdraw() external {
        Account memory account = accounts[msg.sender];
        if (_position[msg.sender] == 0) revert NotRegistered(msg.sender);
        if (account.exitAt == 0 || block.timestamp < account.exitAt) revert ExitNotOver(account.exitAt);
        _activate();
        uint256 position = _position[msg.sender];
        address last = _list[_list.length - 1];
        _list[position - 1] = last;
        _position[last] = position;
        _list.pop();
        delete _position[msg.sender];
        delete accounts[msg.sender];
        delete _blsPublicKey[msg.sender];
        delete _proofOfPossession[msg.sender];
        token.safeTransfer(msg.sender, account.bond);
        emit Withdrawn(msg.sender, account.bond);
    }

    /// @notice Writes down the head of the caller's proof log. It must have grown: a member whose log stands still is silent.
    /// @param epoch life of the key's log; a new log of the same key begins a new one.
    /// @param size entries of the log.
    /// @param root of the RFC 6962 tree over them.
    function anchorHead(uint64 epoch, uint64 size, bytes32 root) external {
        if (_position[msg.sender] == 0) revert NotRegistered(msg.sender);
        Head storage head = _heads[msg.sender];
        if (epoch < head.epoch || (epoch == head.epoch && size <= head.size)) revert HeadNotGrown(head.epoch, head.size);
        (head.root, head.epoch, head.size, head.seenAt) = (root, epoch, size, uint64(block.timestamp));
        emit HeadAnchored(msg.sender, epoch, size, root);
        // Whoever is due is moved into the sum, so that counting votes seldom walks the queue.
        _activate();
        Account storage account = accounts[msg.sender];
        if (account.activeFrom != NEVER || account.exitAt != 0) return;
        account.activeFrom = uint64(block.timestamp) + activationSeconds;
        _queue.push(msg.sender);
    }

    /// @notice Takes a member out of the denominator that has shown no grown log for `silentSeconds`; anybody may. Costs it nothing but its vote.
    function markSilent(address member) external {
        Account storage account = accounts[member];
        uint64 seenAt = _heads[member].seenAt;
        bool counts = account.bond != 0 && account.exitAt == 0 && account.activeFrom <= block.timestamp;
        if (!counts || block.timestamp <= seenAt + silentSeconds) revert NotSilent(seenAt);
        _activate();
        _activeWeight -= uint192(_weight(account.bond));
        account.activeFrom = NEVER;
        emit MemberSilent(member, seenAt);
    }

    /// @notice The newest head that this member anchored; all zero but for `seenAt` before its first.
    function headOf(address member) external view returns (Head memory) {
        return _heads[member];
    }

    /// @notice Hook for the penalty of false votes: takes up to `amount` of a bond. Never reverts because of the amount.
    /// @return taken 10^-18 tokens that really moved.
    function penalise(address member, uint256 amount, address to) external returns (uint256 taken) {
        if (msg.sender != verifier) revert OnlyVerifier();
        _activate();
        Account storage account = accounts[member];
        taken = amount < account.bond ? amount : account.bond;
        uint256 before = _weight(account.bond);
        account.bond -= uint128(taken);
        if (account.exitAt == 0 && account.activeFrom <= block.timestamp) _activeWeight -= uint192(before - _weight(account.bond));
        if (taken > 0) token.safeTransfer(to, taken);
        emit Penalised(member, taken, to);
    }

    /// @notice Weight that counts now: 0 for strangers, before activation and after the wish to leave.
    function activeWeightOf(address member) public view returns (uint256) {
        Account memory account = accounts[member];
        if (account.bond == 0 || account.exitAt != 0 || account.activeFrom > block.timestamp) return 0;
        return _weight(account.bond);
    }

    /// @notice Weight of these members together, and of all; reverts for the first whose weight does not count.
    /// @param list distinct addresses; the caller makes sure of that.
    function activeWeights(address[] calldata list) external view returns (uint256 weight, uint256 total) {
        for (uint256 i = 0; i < list.length; i++) {
            Account storage account = accounts[list[i]];
            (uint128 bond, uint64 activeFrom, uint64 exitAt) = (account.bond, account.activeFrom, account.exitAt);
            if (bond == 0 || exitAt != 0 || activeFrom > block.timestamp) revert NotActiveMember(list[i]);
            // At most 2^32 members of at most 2^128 each.
            unchecked {
                weight += _weight(bond);
            }
        }
        total = totalWeight();
    }

    /// @notice Sum of all weights that count now: the denominator of every quorum.
    function totalWeight() public view returns (uint256 total) {
        total = _activeWeight;
        for (uint256 i = _head; i < _queue.length; i++) {
            Account memory account = accounts[_queue[i]];
            if (account.activeFrom > block.timestamp) break;
            if (account.exitAt == 0) total += _weight(account.bond);
        }
    }

    /// @notice All members with their keys, active or not.
    function members() external view returns (Member[] memory list) {
        list = new Member[](_list.length);
        for (uint256 i = 0; i < list.length; i++) {
            address member = _list[i];
            Account memory account = accounts[member];
            list[i] = Member({
                member: member,
                weight: _weight(account.bond),
                blsPublicKey: _blsPublicKey[member],
                proofOfPossession: _proofOfPossession[member],
                activeFrom: account.activeFrom,
                exiting: account.exitAt != 0
            });
        }
    }

    /// @dev Moves members whose time has come from the queue into the sum. Each is moved once; the list bounds how many can wait.
    function _activate() private {
        uint256 head = _head;
        uint256 length = _queue.length;
        if (head == length) return;
        uint256 total = _activeWeight;
        while (head < length) {
            address member = _queue[head];
            Account memory account = accounts[member];
            if (account.activeFrom > block.timestamp) break;
            if (account.exitAt == 0) total += _weight(account.bond);
            delete _queue[head];
            head++;
        }
        _head = uint64(head);
        _activeWeight = uint192(total);
    }

    function _weight(uint256 bond) private view returns (uint256) {
        return bond < weightCap ? bond : weightCap;
    }
}
