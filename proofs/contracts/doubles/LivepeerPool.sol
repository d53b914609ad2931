// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title DoubleAddressBook: Livepeer's Controller as readers see it; for tests only
contract DoubleAddressBook {
    mapping(bytes32 => address) private _contracts;

    event SetContractInfo(bytes32 id, address contractAddress, bytes20 gitCommitHash);

    function setContractInfo(bytes32 id, address contractAddress, bytes20 gitCommitHash) external {
        _contracts[id] = contractAddress;
        emit SetContractInfo(id, contractAddress, gitCommitHash);
    }

    function getContract(bytes32 id) external view returns (address) {
        return _contracts[id];
    }
}

/// @title DoublePool: what Livepeer's BondingManager, RoundsManager, TicketBroker and ServiceRegistry tell of orchestrators, in one; for
/// tests only
/// @notice The signatures are those of the deployed contracts; the numbers are whatever a test writes.
contract DoublePool {
    struct Node {
        address next;
        uint256 totalStake;
        uint256 ownBond;
        uint256 pending;
        uint256 lastRewardRound;
        string serviceUri;
    }

    struct Sender {
        uint256 deposit;
        uint256 withdrawRound;
    }

    struct ReserveInfo {
        uint256 fundsRemaining;
        uint256 claimedInCurrentRound;
    }

    mapping(address => Node) private _nodes;
    mapping(address => Sender) private _senders;
    mapping(address => ReserveInfo) private _reserves;
    mapping(address => mapping(address => uint256)) public claimedReserve;
    uint256 private _blockNum;
    address private _first;
    uint256 private _size;
    uint256 public currentRound = 1;

    event NewRound(uint256 indexed round, bytes32 blockHash);
    event Reward(address indexed transcoder, uint256 amount);
    event Unbond(
        address indexed delegate,
        address indexed delegator,
        uint256 unbondingLockId,
        uint256 amount,
        uint256 withdrawRound
    );
    event TransferBond(
        address indexed oldDelegator,
        address indexed newDelegator,
        uint256 oldUnbondingLockId,
        uint256 newUnbondingLockId,
        uint256 amount
    );
    event WinningTicketRedeemed(
        address indexed sender,
        address indexed recipient,
        uint256 faceValue,
        uint256 winProb,
        uint256 senderNonce,
        uint256 recipientRand,
        bytes auxData
    );

    event Bond(
        address indexed newDelegate,
        address indexed oldDelegate,
        address indexed delegator,
        uint256 additionalAmount,
        uint256 bondedAmount
    );
    event ServiceURIUpdate(address indexed addr, string serviceURI);
    event TranscoderUpdate(address indexed transcoder, uint256 rewardCut, uint256 feeShare);
    event TranscoderActivated(address indexed transcoder, uint256 activationRound);
    event TranscoderDeactivated(address indexed transcoder, uint256 deactivationRound);

    /// @dev A ticket of any sender and worth.
    function redeemFrom(address sender, address recipient, uint256 faceValue) external {
        emit WinningTicketRedeemed(sender, recipient, faceValue, 1, 1, 1, abi.encode(currentRound, bytes32(0)));
    }

    function bondTo(address delegator, address node, uint256 amount) external {
        _nodes[node].totalStake += amount;
        emit Bond(node, address(0), delegator, amount, amount);
    }

    /// @dev What the TicketBroker holds for a payer, and what one node took of its reserve in this round.
    function setSender(
        address sender,
        Sender calldata info,
        ReserveInfo calldata reserve,
        address claimant,
        uint256 claimed
    ) external {
        _senders[sender] = info;
        _reserves[sender] = reserve;
        claimedReserve[sender][claimant] = claimed;
    }

    function getSenderInfo(
        address sender
    ) external view returns (Sender memory info, ReserveInfo memory reserve) {
        return (_senders[sender], _reserves[sender]);
    }

    function setBlockNum(uint256 number) external {
        _blockNum = number;
    }

    /// @dev The RoundsManager's block: that of the chain below.
    function blockNum() external view returns (uint256) {
        return _blockNum;
    }

    function setServiceURI(address node, string calldata uri) external {
        _nodes[node].serviceUri = uri;
        emit ServiceURIUpdate(node, uri);
    }

    /// @dev All that a node tells when it enters, changes its prices, and leaves.
    function enterAndLeave(address node) external {
        emit TranscoderUpdate(node, 1, 2);
        emit TranscoderActivated(node, currentRound + 1);
        emit TranscoderDeactivated(node, currentRound + 2);
    }

    /// @dev Adds at the head of the pool.
    function add(
        address node,
        uint256 totalStake,
        uint256 ownBond,
        uint256 pending,
        string calldata serviceUri
    ) external {
        _nodes[node] = Node(_first, totalStake, ownBond, pending, 0, serviceUri);
        _first = node;
        _size++;
    }

    function newRound() external {
        currentRound++;
        emit NewRound(currentRound, blockhash(block.number - 1));
    }

    function reward(address node) external {
        _nodes[node].lastRewardRound = currentRound;
        emit Reward(node, 1 ether);
    }

    function redeem(address recipient) external {
        emit WinningTicketRedeemed(msg.sender, recipient, 1, 1, 1, 1, abi.encode(currentRound, bytes32(0)));
    }

    function unbond(address node, uint256 amount) external {
        _nodes[node].ownBond -= amount;
        emit Unbond(node, node, 0, amount, currentRound + 7);
    }

    function transferBond(address node, address to, uint256 amount) external {
        _nodes[node].ownBond -= amount;
        emit TransferBond(node, to, 0, 0, amount);
    }

    /// @dev Makes the walk of the pool endless.
    function loop(address node) external {
        _nodes[node].next = node;
    }

    function getTranscoderPoolMaxSize() external pure returns (uint256) {
        return 100;
    }

    function getTranscoderPoolSize() external view returns (uint256) {
        return _size;
    }

    function getFirstTranscoderInPool() external view returns (address) {
        return _first;
    }

    function getNextTranscoderInPool(address node) external view returns (address) {
        return _nodes[node].next;
    }

    function isActiveTranscoder(address node) external view returns (bool) {
        return _nodes[node].totalStake > 0;
    }

    function transcoderTotalStake(address node) external view returns (uint256) {
        return _nodes[node].totalStake;
    }

    function pendingStake(address node, uint256) external view returns (uint256) {
        return _nodes[node].ownBond + _nodes[node].pending;
    }

    function getTranscoder(
        address node
    )
        external
        view
        returns (
            uint256 lastRewardRound,
            uint256 rewardCut,
            uint256 feeShare,
            uint256 lastActiveStakeUpdateRound,
            uint256 activationRound,
            uint256 deactivationRound,
            uint256 activeCumulativeRewards,
            uint256 cumulativeRewards,
            uint256 cumulativeFees,
            uint256 lastFeeRound
        )
    {
        return (_nodes[node].lastRewardRound, 100_000, 500_000, 1, 1, type(uint256).max, 0, 0, 0, 0);
    }

    function getDelegator(
        address node
    )
        external
        view
        returns (
            uint256 bondedAmount,
            uint256 fees,
            address delegateAddress,
            uint256 delegatedAmount,
            uint256 startRound,
            uint256 lastClaimRound,
            uint256 nextUnbondingLockId
        )
    {
        return (_nodes[node].ownBond, 0, node, _nodes[node].totalStake, 1, 1, 0);
    }

    function getServiceURI(address node) external view returns (string memory) {
        return _nodes[node].serviceUri;
    }
}

/// @title DoubleMulticall: the one function of Multicall3 that readers use; for tests only
contract DoubleMulticall {
    struct Call {
        address target;
        bool allowFailure;
        bytes callData;
    }

    struct Result {
        bool success;
        bytes returnData;
    }

    error CallFailed(uint256 index);

    function aggregate3(Call[] calldata calls) external payable returns (Result[] memory results) {
        results = new Result[](calls.length);
        for (uint256 i = 0; i < calls.length; i++) {
            (results[i].success, results[i].returnData) = calls[i].target.call(calls[i].callData);
            if (!results[i].success && !calls[i].allowFailure) revert CallFailed(i);
        }
    }
}
